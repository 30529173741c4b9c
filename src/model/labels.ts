export type Labels = Readonly<Record<string, string>>;

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
