import type { Finding } from './finding.ts';
import { isLintRule, lintRules } from './lint/rules.ts';

export const formats = ['text', 'json', 'sarif'] as const;
export type Format = (typeof formats)[number];

/** What was found, for people and for programs. `objects` is how many were looked at. */
export function report(findings: readonly Finding[], objects: number, format: Format, version: string): string {
  switch (format) {
    case 'text':
      return `${findings.map((each) => `${line(each)}\n`).join('')}${summary(findings, objects)}\n`;
    case 'json':
      return `${JSON.stringify({ objects, findings }, null, 2)}\n`;
    case 'sarif':
      return `${JSON.stringify(sarif(findings, version), null, 2)}\n`;
    default: {
      const never: never = format;
      return never;
    }
  }
}

function line({ file, line, column, severity, rule, subject, path, message }: Finding): string {
  const about = [subject, path].filter((each) => each !== '').join(' ');
  return `${file}:${line}:${column}: ${severity}: ${message.replaceAll('\n', '\n    ')}${about ? ` (${about})` : ''} [${rule}]`;
}

function summary(findings: readonly Finding[], objects: number): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  return `${objects} object(s): ${errors} error(s), ${warnings} warning(s)`;
}

function described(id: string): object {
  return isLintRule(id) ? { id, shortDescription: { text: lintRules[id] } } : { id };
}

/** SARIF 2.1.0, as code hosts show it beside the lines. */
function sarif(findings: readonly Finding[], version: string): object {
  const rules = [...new Set(findings.map(({ rule }) => rule))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'tektite validate', version, rules: rules.map(described) } },
        results: findings.map(({ file, line, column, severity, rule, path, message }) => ({
          ruleId: rule,
          level: severity,
          message: { text: path ? `${message}: ${path}` : message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: file },
                region: { startLine: line, startColumn: column },
              },
            },
          ],
        })),
      },
    ],
  };
}
