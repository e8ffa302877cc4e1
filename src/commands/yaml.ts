import type { CreateNodeOptions, DocumentOptions, ParseOptions, SchemaOptions, ToStringOptions } from 'yaml';

/**
 * kubectl and tkn read YAML 1.1, other programs 1.2: a text that either takes for something else (yes, 1:30, 0b1,
 * 2026-01-01) is quoted. The layout is tkn's: sorted, lists not indented.
 */
const OPTIONS: CreateNodeOptions & DocumentOptions & ParseOptions & SchemaOptions & ToStringOptions = {
  compat: 'yaml-1.1',
  sortMapEntries: true,
  aliasDuplicateObjects: false,
  lineWidth: 0,
  indentSeq: false,
  blockQuote: 'literal',
};

/**
 * What the library would not quote though some reader stumbles over it: Go's numbers, tabs and other control
 * characters, space ahead.
 */
const RISKY =
  /^\s|^=$|^[-+]?0_*[xob]|^[-+.\d](?=.*_)[\de_.+-]+$|[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/i;
/** Of those, what JSON.stringify, and so the library between double quotes, leaves unescaped. */
const UNESCAPED = /[\u007f-\u009f\u2028\u2029\ufeff]/g;

/** A value as YAML that every reader takes for the same value. */
export async function yamlText(value: unknown): Promise<string> {
  // Loaded by those who ask for it.
  const { Document, visit } = await import('yaml');
  const document = new Document(value, OPTIONS);
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && RISKY.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document
    .toString(OPTIONS)
    .replaceAll(UNESCAPED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
