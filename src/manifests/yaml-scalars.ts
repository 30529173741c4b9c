/** What scalars without quotes mean to kubectl: YAML 1.1, in go-yaml's reading. */
import { isScalar, Schema, type ScalarTag, type Tags } from 'yaml';

/** go-yaml knows neither base-60 numbers nor (into JSON) timestamps, and has its own octal and floating-point numbers. */
export function kubectlTags(tags: Tags): Tags {
  const kept = tags.filter((tag) => {
    if (typeof tag === 'string') return !['timestamp', 'intTime', 'floatTime', 'float', 'floatExp'].includes(tag);
    if (tag.tag === 'tag:yaml.org,2002:float') return tag.default === true && tag.test?.test('.inf') === true;
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME');
  });
  return [octal, upperCase, ...kept, float];
}

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  format: 'OCT',
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => {
    const digits = text.replaceAll('_', '').replace('0o', '');
    return digits.startsWith('-') ? -parseInt(digits.slice(1), 8) : parseInt(digits, 8);
  },
};

/** `0X1F` and `0B1`, as Go reads integers. */
const upperCase: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0(?:X[0-9a-fA-F_]+|B[01_]+)$/,
  resolve: (text) => {
    const value = Number(text.replace(/[-+_]/g, ''));
    return text.startsWith('-') ? -value : value;
  },
};

/** A number has a digit before its exponent, and what is too large for one is a text. */
const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?$/,
  resolve: (text) => {
    const value = Number(text.replaceAll('_', ''));
    return Number.isFinite(value) ? value : text;
  },
};

const untagged = new Schema({ schema: 'yaml-1.1', customTags: kubectlTags }).tags.filter(
  (tag): tag is ScalarTag => tag.default === true && tag.collection === undefined,
);
const longestWord = 'false'.length;

/** The value of a scalar without quotes and tag that is not a key of a mapping. */
export function valueOfPlain(text: string): unknown {
  // What begins with a letter is a text, or one of YAML's words.
  if (text.length > longestWord && /^[A-Za-z]/.test(text)) return text;
  const found = untagged.find(({ test }) => test?.test(text));
  if (found === undefined) return text;
  const value = found.resolve(text, () => undefined, {});
  return isScalar(value) ? value.value : value;
}
