/** Owns what a process opened, and closes it in reverse order. (AsyncDisposableStack is not in Node 20.) */
export class Disposables implements AsyncDisposable {
  readonly #closers: (() => void | Promise<void>)[] = [];

  use<T extends Disposable | AsyncDisposable>(resource: T): T {
    this.defer(async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    });
    return resource;
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
