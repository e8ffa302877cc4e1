/**
 * The version of this build. The bundler puts package.json's version in; from the sources it is a development build.
 */
declare const TEKTITE_VERSION: string | undefined;
/** The commit of the sources, likewise. */
declare const TEKTITE_COMMIT: string | undefined;

export const version: string = typeof TEKTITE_VERSION === 'string' ? TEKTITE_VERSION : '0.0.0-dev';

/** Seven hex digits, with `-dirty` when the sources were changed since; `unknown` where the build could not tell. */
export const commit: string = typeof TEKTITE_COMMIT === 'string' ? TEKTITE_COMMIT : 'unknown';
