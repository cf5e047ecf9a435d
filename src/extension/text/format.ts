export const formatPercent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** 33802 → `33 802`: grouped by a space that doesn't break. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, '\u00a0');

export const formatDuration = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

/** Names come from files that anyone may have made: controls, line breaks and direction marks are shown, not obeyed. */
export const visible = (name: string): string =>
  name.replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
