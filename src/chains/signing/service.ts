import { elapsedScale, systemClock, type Clock } from '../../clock.ts';

export {
  joinUrl,
  jsonOf,
  request,
  ServiceError,
  trustingClient,
  type ServiceAnswer as Answer,
  type ServiceRequest as Request,
} from '../../http/service.ts';

/** The kinds of remote calls whose latency an operator watches. */
export type ServiceCall = 'fulcio' | 'rekor' | 'tsa' | 'kms';

/** Called once per remote call, its retries included. */
export type Observe = (call: ServiceCall, seconds: number, outcome: 'success' | 'error') => void;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What everything here needs from outside; all with real defaults, replaced in tests. */
export interface Surroundings {
  observe?: Observe;
  clock?: Clock;
  env?: Environment;
}

/** A service and how it is reached. */
export interface RemoteService {
  url: string;
  around: Surroundings;
}

/** Runs one remote call and reports how long it took. An abort by the caller is not an outcome of the service. */
export async function observed<T>(
  around: Surroundings,
  call: ServiceCall,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const clock = around.clock ?? systemClock;
  const begin = elapsedScale(clock);
  const report = (outcome: 'success' | 'error') =>
    around.observe?.(call, (elapsedScale(clock) - begin) / 1000, outcome);
  try {
    const result = await work();
    report('success');
    return result;
  } catch (error) {
    if (!signal.aborted) report('error');
    throw error;
  }
}
