import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseSpire, type SpireConfig } from '../api/config/config-spire.ts';
import { spireServer, type Issued } from '../core/spire/spire.fake.ts';
import { startSpiffeAgent, type SpiffeAgent } from './agent.fake.ts';
import { SpireIdentities } from './identities.ts';
import { FakeSpireServer } from './server.fake.ts';
import { certificatesIn } from './workload-api.ts';

/** Agent and server speak the real protocols: gRPC over a unix socket, and over mutual TLS. */
const authority = spireServer();
const controller = authority.issue('URI:spiffe://example.org/tekton/controller');
const signal = new AbortController().signal;
let server: FakeSpireServer;
let agent: SpiffeAgent;
let spire: SpireConfig;
let given: Issued[] | Error = [controller];

beforeAll(async () => {
  server = new FakeSpireServer();
  agent = await startSpiffeAgent({ identities: { of: () => given, authority: authority.authority } });
  const serverAddress = await server.start(authority, authority.issue('URI:spiffe://example.org/spire/server'));
  spire = { ...parseSpire({}).spire, socketPath: agent.socket, serverAddress };
});
afterAll(async () => {
  server.stop();
  await agent.stop();
});
beforeEach(() => {
  server.entries = [];
  server.calls.length = 0;
  given = [controller];
});

const identity = {
  namespace: 'ns',
  taskRun: 'run',
  pod: 'run-pod',
  podUid: 'uid-1',
  node: 'n1',
  containers: ['step-a', 'step-b', 'step-c'],
  expiresAt: 1_800_000_000,
};
const selectorsOf = () =>
  server.entries.map(({ spiffe_id: id, selectors }) => [id.path, ...selectors.map(({ value }) => value)].join(' '));

describe('the identity of a pod', () => {
  it('is an entry of its node and one of each step, which end with its time', async () => {
    await new SpireIdentities().register(spire, identity, signal);
    expect(selectorsOf()).toEqual([
      '/tekton-node/n1 agent_ns:spire agent_node_name:n1',
      '/ns/ns/taskrun/run pod-uid:uid-1 pod-name:run-pod container-name:step-a',
      '/ns/ns/taskrun/run pod-uid:uid-1 pod-name:run-pod container-name:step-b',
      '/ns/ns/taskrun/run pod-uid:uid-1 pod-name:run-pod container-name:step-c',
    ]);
    expect(server.entries.map(({ parent_id: parent, expires_at: expiry }) => [parent.path, expiry])).toEqual([
      ['/spire/server', 0],
      ...Array<unknown>(3).fill(['/tekton-node/n1', 1_800_000_000]),
    ]);
  });

  it('is registered once by a process, and again by the next, which finds it there', async () => {
    const first = new SpireIdentities();
    await first.register(spire, identity, signal);
    await first.register(spire, identity, signal);
    expect(server.calls).toEqual(['create']);
    await new SpireIdentities().register(spire, identity, signal);
    expect(server.entries).toHaveLength(4);
  });

  it('is taken away page by page, and no other with it: not the node, not a pod of the same run', async () => {
    const identities = new SpireIdentities();
    await identities.register(spire, identity, signal);
    await identities.register(
      spire,
      { ...identity, pod: 'run-pod-retry1', podUid: 'uid-2', containers: ['step-a'] },
      signal,
    );
    await identities.remove(spire, identity, signal);
    expect(selectorsOf()).toEqual([
      '/tekton-node/n1 agent_ns:spire agent_node_name:n1',
      '/ns/ns/taskrun/run pod-uid:uid-2 pod-name:run-pod-retry1 container-name:step-a',
    ]);
    await identities.remove(spire, identity, signal);
    await identities.register(spire, identity, signal);
    expect(server.entries).toHaveLength(5);
  });
});

describe('the trust bundle', () => {
  it('is what the agent vouches for, in the trust domain of the settings', async () => {
    const bundle = await new SpireIdentities().trustBundle(spire, signal);
    expect(bundle.trustDomain).toBe('example.org');
    expect(bundle.authorities.map((each) => each.fingerprint256)).toEqual([
      authority.authority.certificate.fingerprint256,
    ]);
  });
});

describe('what goes wrong is said with the way out', () => {
  const register = (settings: Partial<SpireConfig> = {}) =>
    new SpireIdentities().register({ ...spire, ...settings }, identity, signal);

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'no agent',
      () => register({ socketPath: 'unix:///nowhere/agent.sock' }),
      /unix:\/\/\/nowhere\/agent.sock: .*controller.spiffeSocket/s,
    ],
    [
      'an agent that does not know the controller',
      () => {
        given = new Error('no identity issued');
        return register();
      },
      /no identity issued; .*the controller is registered/s,
    ],
    [
      'an agent with an empty answer',
      () => {
        given = [];
        return register();
      },
      /it has no identity for this process/,
    ],
    ['no server', () => register({ serverAddress: '127.0.0.1:1' }), /SPIRE server 127.0.0.1:1: .*spire-server-addr/s],
    [
      'a server of another trust domain',
      () => register({ trustDomain: 'other.example' }),
      /is not the SPIRE server of other.example, but URI:spiffe:\/\/example.org/,
    ],
    [
      'a controller that is no administrator',
      () => {
        server.refusal = { code: 7, message: 'caller is not an admin' };
        return register();
      },
      /caller is not an admin \(code 7\).*admin/s,
    ],
  ])('%s', async (_name, act, message) => {
    await expect(act()).rejects.toThrow(message);
    expect(server.entries).toEqual([]);
  });

  it('a workload that poses as the server, with an identity of the same trust domain', async () => {
    const impostor = new FakeSpireServer();
    const own = authority.issue('URI:spiffe://example.org/ns/ns/taskrun/evil');
    const serverAddress = await impostor.start(authority, own);
    try {
      await expect(register({ serverAddress })).rejects.toThrow(/is not the SPIRE server of example.org/);
      expect(impostor.calls).toEqual([]);
    } finally {
      impostor.stop();
    }
  });
});

describe('certificates in DER form', () => {
  const [one, two] = [controller.certificate.raw, authority.authority.certificate.raw];
  it('are told apart', () => {
    expect(certificatesIn(Buffer.concat([one, two])).map(({ raw }) => raw)).toEqual([one, two]);
    expect(certificatesIn(Buffer.alloc(0))).toEqual([]);
  });
  it.each([
    ['cut short', one.subarray(0, 100)],
    ['something behind them', Buffer.concat([one, Buffer.from('x')])],
    ['no length', Buffer.from([0x30])],
    ['a length of nothing', Buffer.from([0x30, 0x80])],
    ['a length beyond the end', Buffer.from([0x30, 0x83, 0xff, 0xff, 0xff])],
  ])('are refused with %s', (_name, der) => expect(() => certificatesIn(der)).toThrow());
});
