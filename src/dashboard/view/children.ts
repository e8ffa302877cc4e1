/** What the page asks for beside a run, as the command line does. */
export { childSelector, taskRunSelector } from '../../core/children.ts';
