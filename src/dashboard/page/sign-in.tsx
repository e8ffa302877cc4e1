import { useState, type FormEvent, type ReactNode } from 'react';
import { textOf } from './api/request.ts';
import { signIn } from './api/session.ts';
import { useProperties } from './api/use-properties.ts';
import { Problem } from './parts/problem.tsx';

/** In the place of a page whose reader nobody knows. */
export function SignIn(): ReactNode {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string>();
  const namespace = useProperties()?.dashboardNamespace ?? 'tekton-pipelines';
  const send = (event: FormEvent) => {
    event.preventDefault();
    signIn(token.trim()).then(
      () => location.reload(),
      (error: unknown) => setProblem(textOf(error)),
    );
  };
  return (
    <main className="empty sign-in">
      <h1>Sign in</h1>
      <p>What you see here is what your token may see in the cluster.</p>
      <form onSubmit={send}>
        <label htmlFor="token">Token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          required
          value={token}
          onChange={({ target }) => setToken(target.value)}
        />
        <button type="submit">Sign in</button>
      </form>
      {problem !== undefined && <Problem title="That did not work" text={problem} />}
      <p>
        For one that may read all runs: <code>{`kubectl -n ${namespace} create token tekton-dashboard`}</code>
      </p>
    </main>
  );
}

/** Behind a proxy with a login there is nothing to sign in to here. */
export function LoginOver(): ReactNode {
  return (
    <main className="empty">
      <h1>Your login is over</h1>
      <p>The proxy in front of this dashboard does not know you any longer.</p>
      <button type="button" className="tool" onClick={() => location.reload()}>
        Log in again
      </button>
    </main>
  );
}
