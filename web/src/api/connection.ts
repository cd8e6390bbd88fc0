import { useSyncExternalStore } from 'react';

const EVERY_MS = 2_000;

/** Whether the server and its database answer. While they do not, it asks until they do. */
class Connection {
  private gone = false;
  private readonly listeners = new Set<() => void>();
  private readonly returned = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  isGone = (): boolean => this.gone;

  /** Called when a request failed for want of an answer. */
  lost(): void {
    if (this.gone) return;
    this.set(true);
    void this.watch();
  }

  /** Calls back each time the server answers again. */
  onReturn(callback: () => void): void {
    this.returned.add(callback);
  }

  private async watch(): Promise<void> {
    do {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    } while (!(await isReady()));
    this.set(false);
    for (const callback of this.returned) callback();
  }

  private set(gone: boolean): void {
    this.gone = gone;
    for (const listener of this.listeners) listener();
  }
}

export const connection = new Connection();

/** Whether the server is out of reach at present. */
export function useGone(): boolean {
  return useSyncExternalStore(connection.subscribe, connection.isGone);
}

async function isReady(): Promise<boolean> {
  try {
    return (await fetch('/readyz', { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}
