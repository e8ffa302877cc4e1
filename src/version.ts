/**
 * The version of this build. The bundler puts package.json's version in; from the sources it is a development build.
 */
declare const TEKTITE_VERSION: string | undefined;

export const version: string = typeof TEKTITE_VERSION === 'string' ? TEKTITE_VERSION : '0.0.0-dev';
