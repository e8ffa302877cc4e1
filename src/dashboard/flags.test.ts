import { describe, expect, it } from 'vitest';
import { parseDashboardFlags } from './flags.ts';

describe('flags of the dashboard', () => {
  it('have defaults', () => {
    expect(parseDashboardFlags([], { INSTALLED_NAMESPACE: 'tools' })).toMatchObject({
      port: 9097,
      isReadOnly: false,
      systemNamespace: 'tools',
      pipelinesNamespace: 'tools',
      triggersNamespace: 'tools',
      namespaces: [],
      streamLogs: true,
      externalLogs: undefined,
    });
  });

  it("take upstream's spellings", () => {
    const args = [
      '--read-only',
      '--stream-logs=false',
      '--namespaces=a,b',
      '--pipelines-namespace=p',
      '--triggers-namespace=t',
      '--default-namespace=a',
      '--logout-url=/oauth2/sign_out',
      '--external-logs=http://logs.example/logs',
      '--log-level=debug',
      '-port=80',
    ];
    expect(parseDashboardFlags(args, {})).toMatchObject({
      port: 80,
      isReadOnly: true,
      streamLogs: false,
      namespaces: ['a', 'b'],
      pipelinesNamespace: 'p',
      triggersNamespace: 't',
      defaultNamespace: 'a',
      logoutURL: '/oauth2/sign_out',
      externalLogs: new URL('http://logs.example/logs'),
      logLevel: 'debug',
    });
  });

  it.each([
    ['--read-only=yes', '--read-only is "yes"; give true or false'],
    ['--logout-url=javascript:alert(1)', '--logout-url is "javascript:alert(1)"; give a path'],
    ['--logout-url=//evil.example', '--logout-url is "//evil.example"; give a path'],
    ['--external-logs=file:///etc', '--external-logs is "file:///etc"; give an http(s) address'],
    ['--log-level=loud', '--log-level is "loud"; give debug'],
    ['--provenance-key=abc', 'give the text of cosign.pub'],
    ['--port=http', '--port is "http"; give a number'],
  ])('%s is refused', (argument, message) => {
    expect(() => parseDashboardFlags([argument], {})).toThrow(message);
  });
});
