import { unzipSync, type UnzipFileInfo } from 'fflate';
import { CurvatureError } from '../errors';
import { type DataArray } from './array';
import { isNpy, parseNpy } from './npy';

/** The arrays of a data file; each is decompressed only when it is read. */
export interface ArrayFile {
  readonly names: readonly string[];
  /** Whether this is one .npy array, which has no name but the file's. */
  readonly isSingle: boolean;
  /**
   * Throws `data-unreadable` when the array is damaged or of a kind that isn't supported. `name` must be one
   * of `names`.
   */
  read(name: string): DataArray;
}

/** Deflate can't shrink anything by more than this, so a promise of more is a lie. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * Opens the bytes of an .npz (stored or compressed) or a single .npy file, told apart by their first bytes.
 * The array of an .npy file is named after the file.
 *
 * Throws `data-unreadable` when it is neither, or damaged.
 */
export function openArrays(bytes: Uint8Array, fileName: string): ArrayFile {
  if (isNpy(bytes)) {
    const name = (fileName.split(/[\\/]/).at(-1) ?? fileName).replace(/\.npy$/i, '');
    return { names: [name], isSingle: true, read: () => parseNpy(name, bytes) };
  }
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) {
    throw new CurvatureError(
      'data-unreadable',
      `'${fileName}' is neither an .npz nor an .npy file.`,
      'Save the inputs with np.savez("data.npz", input=x, labels=y).',
    );
  }

  const members = new Map<string, string>();
  unzip(bytes, fileName, ({ name, size, originalSize }) => {
    if (originalSize > (size + 1) * MAX_DEFLATE_RATIO) {
      throw damaged(
        fileName,
        `'${name}' promises ${originalSize} bytes, more than its ${size} bytes can hold`,
      );
    }
    if (name.endsWith('.npy')) members.set(name.slice(0, -'.npy'.length), name);
    return false;
  });
  if (members.size === 0) throw damaged(fileName, 'it holds no .npy array');
  return {
    names: [...members.keys()],
    isSingle: false,
    read(name) {
      const member = members.get(name);
      const content = member && unzip(bytes, fileName, info => info.name === member)[member];
      if (!content) throw damaged(fileName, `'${name}' is missing`);
      return parseNpy(name, content);
    },
  };
}

function unzip(
  bytes: Uint8Array,
  fileName: string,
  filter: (info: UnzipFileInfo) => boolean,
): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof CurvatureError) throw error;
    throw damaged(fileName, error instanceof Error ? error.message : String(error));
  }
}

const damaged = (fileName: string, reason: string): CurvatureError =>
  new CurvatureError(
    'data-unreadable',
    `'${fileName}' can't be read as an .npz file: ${reason}.`,
    'Save the file again with np.savez or np.savez_compressed.',
  );
