import { Component, lazy, Suspense, type ReactNode } from 'react';
import { Link, Redirect, Route, Router, Switch, useLocation } from 'wouter';
import { basePath } from './api/request.ts';
import { signOut, useUnauthorized } from './api/session.ts';
import { useProperties } from './api/use-properties.ts';
import { Problem } from './parts/problem.tsx';
import { RunsPage } from './runs/runs-page.tsx';
import { LoginOver, SignIn } from './sign-in.tsx';
import { fromHashRoute } from './upstream-routes.ts';

const RunPage = lazy(() => import('./run/run-page.tsx'));
const DefinitionsPage = lazy(() => import('./definitions/definitions-page.tsx'));
const DefinitionPage = lazy(() => import('./definitions/definition-page.tsx'));
const TriggersPage = lazy(() => import('./triggers/triggers-page.tsx'));
const TriggerPage = lazy(() => import('./triggers/trigger-page.tsx'));
const ArtifactsPage = lazy(() => import('./artifacts/artifacts-page.tsx'));
const QueuePage = lazy(() => import('./queue/queue-page.tsx'));
const SystemPage = lazy(() => import('./system/system-page.tsx'));
const ExtensionsPage = lazy(() => import('./extensions/extensions-page.tsx'));
const ExtensionPage = lazy(() => import('./extensions/extension-page.tsx'));
const SettingsPage = lazy(() => import('./settings/settings-page.tsx'));

export function App(): ReactNode {
  const upstream = fromHashRoute(location.hash);
  // Behind a proxy with a login the server hears of a token that the page does not know: only a refusal tells.
  const unauthorizedBy = useUnauthorized();
  return (
    <Router base={basePath}>
      <Header />
      <Caught>
        <Suspense fallback={<p className="empty">Loading...</p>}>
          {unauthorizedBy === undefined && <Pages upstream={upstream} />}
          {unauthorizedBy === 'server' && <SignIn />}
          {unauthorizedBy === 'proxy' && <LoginOver />}
        </Suspense>
      </Caught>
    </Router>
  );
}

function Pages({ upstream }: { upstream: string | undefined }): ReactNode {
  return (
    <Switch>
      <Route path="/">
        <Redirect to={upstream ?? '/runs'} replace />
      </Route>
      <Route path="/runs" component={RunsPage} />
      <Route path="/runs/:namespace/:name/:tab?" component={RunPage} />
      <Route path="/definitions" component={DefinitionsPage} />
      <Route path="/definitions/:namespace/:kind/:name/:tab?" component={DefinitionPage} />
      <Route path="/triggers" component={TriggersPage} />
      <Route path="/triggers/:namespace/:kind/:name/:tab?" component={TriggerPage} />
      <Route path="/artifacts" component={ArtifactsPage} />
      <Route path="/queue" component={QueuePage} />
      <Route path="/system" component={SystemPage} />
      <Route path="/extensions" component={ExtensionsPage} />
      <Route path="/extensions/:namespace/:kind/:name/:tab?" component={ExtensionPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route>
        <main className="empty">
          <h1>There is no such page</h1>
          <p>
            The address leads nowhere here. All runs are at <Link href="/runs">/runs</Link>.
          </p>
        </main>
      </Route>
    </Switch>
  );
}

const pages = [
  { path: '/runs', title: 'Runs' },
  { path: '/definitions', title: 'Definitions' },
  { path: '/triggers', title: 'Triggers' },
  { path: '/artifacts', title: 'Artifacts' },
  { path: '/queue', title: 'Queue' },
  { path: '/extensions', title: 'Extensions' },
  { path: '/system', title: 'System' },
  { path: '/settings', title: 'Settings' },
] as const;

function Header(): ReactNode {
  const properties = useProperties();
  const [location] = useLocation();
  return (
    <header className="top">
      <Link href="/runs" className="brand">
        Tektite
      </Link>
      <nav aria-label="Main">
        {pages.map(({ path, title }) => (
          <Link
            key={path}
            href={path}
            className="top-link"
            aria-current={location === path || location.startsWith(`${path}/`) ? 'page' : undefined}
          >
            {title}
          </Link>
        ))}
      </nav>
      <span className="spring" />
      {properties?.isReadOnly === true && (
        <span className="badge" title="The server passes no change on">
          read-only
        </span>
      )}
      {properties?.hasSession === true && (
        <button type="button" className="top-link" onClick={() => void signOut()}>
          Sign out
        </button>
      )}
      {properties?.logoutURL !== undefined && (
        <a className="top-link" href={properties.logoutURL}>
          Log out
        </a>
      )}
    </header>
  );
}

/** A defect of the page shows as such, and not as an empty window. */
class Caught extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    if (isMissingPart(error)) return <LoadAgain />;
    return (
      <main className="empty">
        <Problem title="This page has a defect" text={`${error.message}: reload it, and report it if it comes again`} />
      </main>
    );
  }
}

/** A part of the page is loaded when it is first shown: by then a login may be over, or the dashboard another one. */
function isMissingPart({ message }: Error): boolean {
  return /dynamically imported module|Importing a module script|Unable to preload/.test(message);
}

function LoadAgain(): ReactNode {
  return (
    <main className="empty">
      <h1>This page has to be loaded again</h1>
      <p>Your login is over, the dashboard was updated meanwhile, or it does not answer.</p>
      <button type="button" className="tool" onClick={() => location.reload()}>
        Load it again
      </button>
    </main>
  );
}
