/** Owns what a process has opened, and closes it in reverse order. (Node 20 has no AsyncDisposableStack.) */
export class Disposables implements AsyncDisposable {
  readonly #closers: (() => void | Promise<void>)[] = [];

  use<T extends Disposable | AsyncDisposable>(disposable: T): T {
    this.defer(async () => {
      if (Symbol.asyncDispose in disposable) await disposable[Symbol.asyncDispose]();
      else disposable[Symbol.dispose]();
    });
    return disposable;
  }

  defer(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'could not close everything');
  }
}
