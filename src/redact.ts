/**
 * Text without the names and passwords of its URLs (`https://user:password@host` becomes `https://***@host`), for
 * everything that people or log stores may see. Linear in the text's length.
 */
export function withoutUserinfo(text: string): string {
  return text.replaceAll(/:\/\/[^\s/?#"'<>]*@/g, '://***@');
}
