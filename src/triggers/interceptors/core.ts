import { cel } from './cel/interceptor.ts';
import { checkForge, type ForgeName } from './forge.ts';
import { github } from './github.ts';
import { forgeParams, readParams } from './params.ts';
import { slack } from './slack.ts';
import { goOn, stop, type InterceptorRequest, type InterceptorResponse } from './wire.ts';
import type { World } from './world.ts';

export type Interceptor = (request: InterceptorRequest, world: World) => Promise<InterceptorResponse>;

function forgeOnly(name: ForgeName): Interceptor {
  return async (request, world) => {
    const params = readParams(forgeParams, request);
    if (!params.ok) return stop('invalidArgument', params.problem);
    return (await checkForge(name, request, params.value, world)) ?? goOn();
  };
}

/** The interceptors that come along, by the path that their ClusterInterceptor leads to. */
export const coreInterceptors: ReadonlyMap<string, Interceptor> = new Map<string, Interceptor>([
  ['bitbucket', forgeOnly('bitbucket')],
  ['cel', cel],
  ['github', github],
  ['gitlab', forgeOnly('gitlab')],
  ['slack', slack],
]);
