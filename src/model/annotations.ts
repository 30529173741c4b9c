export type Annotations = Readonly<Record<string, string>>;
