import { isDeepStrictEqual } from 'node:util';

/** Something that is open by a setting, or closed. One call at a time. */
export class Switch<Setting, Open extends { close(): Promise<void> }> {
  readonly #make: (wanted: Setting) => Promise<Open>;
  #now: { setting: Setting; open: Open } | undefined;

  constructor(make: (wanted: Setting) => Promise<Open>) {
    this.#make = make;
  }

  get open(): Open | undefined {
    return this.#now?.open;
  }

  /** Opens by another setting what is open by this one; undefined closes. Rejects when it cannot be opened. */
  async turn(wanted: Setting | undefined): Promise<void> {
    if (isDeepStrictEqual(wanted, this.#now?.setting)) return;
    const before = this.#now?.open;
    this.#now = undefined;
    await before?.close();
    if (wanted !== undefined) this.#now = { setting: wanted, open: await this.#make(wanted) };
  }
}
