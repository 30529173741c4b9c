export type Labels = Readonly<Record<string, string>>;

/** The value of a label; undefined for none. `constructor` is a label as any other, and every object inherits one. */
export const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

/**
 * One condition on labels, as in metav1.LabelSelectorRequirement; matchLabels become `In` with one value.
 * `NotIn` holds when the key is absent (SEMANTICS A3).
 */
export type Requirement =
  | { readonly operator: 'In' | 'NotIn'; readonly key: string; readonly values: readonly string[] }
  | { readonly operator: 'Exists' | 'DoesNotExist'; readonly key: string };

/** All requirements must hold; none at all selects everything. */
export interface LabelSelector {
  readonly requirements: readonly Requirement[];
}

export const everything: LabelSelector = { requirements: [] };
