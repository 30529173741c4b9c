/**
 * A text of somebody's manifests as it may be printed: what moves a cursor, begins a line or a workflow command, or turns
 * the direction of writing becomes an escape that is seen. No valid name, label or field has such a character.
 */
export const visible = (text: string): string => text.replace(unseen, escapeOf);

// C0, DEL and C1; zero-width and directional marks; line and paragraph separators; the byte order mark.
const unseen = /[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

const escapeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
