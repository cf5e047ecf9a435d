/** Makes the folder that the tests open, and gives its path back. */
export function makeWorkspace(folder: string): string;
