/** One line of the bench's table; `met` is absent where the figure has no goal. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly goal?: string;
  readonly met?: boolean;
  /** Version of nft, and what measures it again. */
  readonly how?: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface BenchOptions {
  /** Fewer repetitions and shorter waits: to see that it runs, not to be quoted. */
  readonly fast: boolean;
  /** Only these rows of a table that has some: parts of their names, which a comma separates. */
  readonly rows?: string | undefined;
  /** Bundle of another tree, to be measured by this tree's bench. */
  readonly product?: string | undefined;
}

/** A row that could not be measured, and why. */
export const failedFigure = (what: string, error: unknown): Figure => ({
  what,
  measured: `failed: ${(error instanceof Error ? error.message : String(error)).slice(0, 200)}`,
  goal: 'measured',
  met: false,
  values: {},
});
