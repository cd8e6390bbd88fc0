/** Sets of ids that are joined step by step (union–find). An id that was never added is a set of its own. */
export class DisjointSets {
  private readonly parents = new Map<string, string>();
  private readonly sizes = new Map<string, number>();

  /** The smallest id of the set. */
  rootOf(id: string): string {
    let root = id;
    for (let parent = this.parents.get(root); parent !== undefined; parent = this.parents.get(root))
      root = parent;
    // Shortens the paths of the ids on the way.
    for (let at = id; at !== root; ) {
      const next = this.parents.get(at) ?? root;
      this.parents.set(at, root);
      at = next;
    }
    return root;
  }

  join(a: string, b: string): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)].sort() as [string, string];
    if (first === second) return;
    this.parents.set(second, first);
    this.sizes.set(first, this.sizeOf(first) + this.sizeOf(second));
  }

  /** The number of ids in the set of this one. */
  sizeOf(id: string): number {
    return this.sizes.get(this.rootOf(id)) ?? 1;
  }
}
