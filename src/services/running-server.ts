import { resolve } from 'node:path';
import { announceAddress, announcedAddress } from '../catalog/postgres/folder-lock.js';

/** Where a process of this machine serves the API for a data folder with an embedded database; null if none does. */
export async function runningServer(dataDir: string): Promise<string | null> {
  return await announcedAddress(resolve(dataDir));
}

/** Notes where this process serves the API for its data folder, or with null that it stops. */
export async function announceServer(dataDir: string, address: string | null): Promise<void> {
  await announceAddress(resolve(dataDir), address);
}
