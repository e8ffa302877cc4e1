import { LeavesTlsError } from '../../../http/http-error.ts';
import { RegistryError } from '../../../registry/client.ts';

/** Which setting of Chains would let pass what a registry was refused; undefined where none would. */
export function wayOut(error: unknown): string | undefined {
  return error instanceof RegistryError && error.cause instanceof LeavesTlsError
    ? 'or allow it with storage.oci.repository.insecure'
    : undefined;
}
