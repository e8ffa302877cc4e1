/** Styles that Vite puts beside the scripts. */
declare module '*.css';
