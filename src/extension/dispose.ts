/** Owns what it registers, and gives it up in reverse order. */
export abstract class Disposable {
  private readonly owned: { dispose(): unknown }[] = [];

  protected register<T extends { dispose(): unknown }>(resource: T): T {
    this.owned.push(resource);
    return resource;
  }

  dispose(): void {
    for (const resource of this.owned.splice(0).reverse()) resource.dispose();
  }
}
