/** What scalars without quotes mean to kubectl: YAML 1.1, in go-yaml's reading. */
import { isScalar, Schema, type ScalarTag, type Tags } from 'yaml';

/** go-yaml also reads 0o17 as octal, and knows neither base-60 numbers nor (into JSON) timestamps. */
export function kubectlTags(tags: Tags): Tags {
  const kept = tags.filter((tag) => {
    if (typeof tag === 'string') return tag !== 'timestamp' && tag !== 'intTime' && tag !== 'floatTime';
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME');
  });
  return [octal, ...kept];
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
