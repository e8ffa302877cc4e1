import type { SecurityContext } from '../../../api/core/container.ts';
import { advice, type Advice } from './wording.ts';

/** With one of these a container can do to its node what root can. */
const STRONG = new Set([
  'ALL',
  'BPF',
  'DAC_READ_SEARCH',
  'NET_ADMIN',
  'SYS_ADMIN',
  'SYS_MODULE',
  'SYS_PTRACE',
  'SYS_RAWIO',
]);

/** @param security core/v1 SecurityContext, of which nobody has checked the form */
export function privilegeAdvice(security: SecurityContext | undefined, path: string): Advice[] {
  if (security === undefined) return [];
  return [
    ...(security['privileged'] === true
      ? [
          advice(
            'privileged',
            `${path}.privileged`,
            'a privileged container is root on its node; name the capabilities that it needs',
          ),
        ]
      : []),
    ...(security['allowPrivilegeEscalation'] === true
      ? [
          advice(
            'privilege-escalation',
            `${path}.allowPrivilegeEscalation`,
            'its programs may get more rights than it was started with; set it to false',
          ),
        ]
      : []),
    ...rootAdvice(security, path),
    ...capabilityAdvice(security['capabilities'], `${path}.capabilities.add`),
  ];
}

/** Of a container, or of a pod: both have these fields. */
export function rootAdvice(security: SecurityContext | undefined, path: string): Advice[] {
  if (security?.['runAsUser'] === 0)
    return [advice('run-as-root', `${path}.runAsUser`, 'user 0 is root; name another user, and give it its files')];
  if (security?.['runAsNonRoot'] !== false) return [];
  return [advice('run-as-root', `${path}.runAsNonRoot`, 'it may run as root; leave it out, or set it to true')];
}

function capabilityAdvice(capabilities: unknown, path: string): Advice[] {
  const { add } = (typeof capabilities === 'object' && capabilities !== null ? capabilities : {}) as { add?: unknown };
  if (!Array.isArray(add)) return [];
  return add.flatMap((name: unknown, index) =>
    typeof name === 'string' && STRONG.has(name.replace(/^CAP_/, ''))
      ? [
          advice(
            'strong-capabilities',
            `${path}[${index}]`,
            `with ${name} it can do what root on the node can; leave it out`,
          ),
        ]
      : [],
  );
}
