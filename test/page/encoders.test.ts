import type { Page } from 'playwright-core';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { expectAccessible, hasBrowser, PageHost } from './page-host.js';

describe.skipIf(!hasBrowser())('versions of the encoder on the page', { timeout: 300_000 }, () => {
  let app: TestApp;
  let host: PageHost;
  let first: string;
  beforeAll(async () => {
    app = await openTestApp();
    await ingestShapes(app);
    first = (await app.training.train(QUICK)).encoder;
    app.trainingRunner.start();
    host = await PageHost.open(app);
  }, 300_000);
  afterAll(async () => {
    await host.close();
    await app.close();
    expect(host.faults).toEqual([]);
  });

  const state = (page: Page, name: string) =>
    page.locator('.class-head .badge').getByText(name, { exact: true });

  async function begin(page: Page, epochs: number): Promise<void> {
    await page.getByRole('button', { name: 'Start a training' }).click();
    await page.getByText('More options').click();
    await page.getByLabel('Epochs at most').fill(String(epochs));
    await page.getByLabel('Tune on held-out').selectOption('none');
    await page.getByLabel(/^Activate it when/).uncheck();
  }
  async function train(page: Page): Promise<string> {
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page.waitForURL(/\/encoders\/[0-9a-f-]{36}$/);
    return page.url().split('/').at(-1) ?? '';
  }

  it('starts a training, watches it to its end, activates the version, goes back and compares the two', async () => {
    const page = await host.visit('/encoders');
    await page.getByRole('link', { name: /active/ }).waitFor();
    await begin(page, 12);
    await page.getByText(/^Takes about/).waitFor();
    await page.getByRole('button', { name: 'ring', exact: true }).click();
    await page.getByRole('button', { name: 'Remove ring' }).waitFor();
    const second = await train(page);
    expect(await app.encoders.require(second)).toMatchObject({
      request: { unseen: ['ring'], holdout: 0.1, epochs: 12, options: { tune: 'none' }, activate: false },
    });
    await state(page, 'ready').waitFor({ timeout: 240_000 });
    await page.getByText('Loss: semantics').waitFor();
    await expect.poll(() => page.locator('.chart canvas').count()).toBeGreaterThan(4);
    await page.getByRole('heading', { name: 'What an embedding consists of' }).waitFor();
    await page.getByRole('row', { name: /^This version/ }).waitFor();
    // With one unseen class, each item is right for each query.
    await page.getByText('Unseen classes', { exact: true }).click();
    await page.getByText(/^These pairs have one class only/).waitFor();
    // The curves are there after the page is loaded again.
    await page.reload();
    await page.getByText('Loss: semantics').waitFor();

    await page.getByRole('button', { name: 'Activate', exact: true }).click();
    const forced = page.getByRole('button', { name: 'Activate it all the same' });
    await forced.or(state(page, 'active')).first().waitFor();
    if (await forced.isVisible()) await forced.click();
    await state(page, 'active').waitFor();
    expect((await app.training.active())?.id).toBe(second);

    await page.getByRole('link', { name: 'To the version before' }).click();
    await page.waitForURL(new RegExp(first));
    await page.getByRole('button', { name: 'Go back to this version' }).click();
    await state(page, 'active').waitFor();
    expect((await app.training.active())?.id).toBe(first);

    await page.getByRole('link', { name: /^Compare with/ }).click();
    await page.waitForURL(/compare\?a=/);
    await page.getByLabel('Describe what both shall find').fill('a small red circle');
    await page.keyboard.press('Enter');
    await page.getByText(/of the first results are the same/).waitFor();
    for (const side of ['Version A', 'Version B']) {
      const found = page.getByRole('region', { name: side }).getByRole('listitem');
      expect(await found.count()).toBe(12);
    }
    await page
      .getByRole('row', { name: /^map@all/ })
      .first()
      .waitFor();
    await expectAccessible(page);
  });

  it('says why the gate refuses a version, and activates it only if one insists', async () => {
    const weights = { semantics: 0, similarity: 1e-9, reconstruction: 0, adversary: 0 };
    const options = { weights, learningRate: 1e-8, components: 1, dimension: 2, tune: 'none' } as const;
    const { encoder } = await app.training.train({
      ...QUICK,
      preset: 'paper',
      epochs: 1,
      activate: false,
      options,
    });
    const page = await host.visit(`/encoders/${encoder}`);
    await page.getByRole('button', { name: 'Activate', exact: true }).click();
    const warning = page.getByRole('alert').filter({ hasText: 'It was not activated' });
    await warning.getByText(/worse/).first().waitFor();
    await page.getByRole('heading', { name: 'Check before the activation' }).waitFor();
    await expectAccessible(page);
    await warning.getByRole('button', { name: 'Keep the active version' }).click();
    expect((await app.training.active())?.id).toBe(first);
    await page.getByRole('button', { name: 'Activate', exact: true }).click();
    await page.getByRole('button', { name: 'Activate it all the same' }).click();
    await state(page, 'active').waitFor();
    await app.encoders.activate(first, { force: false });
  });

  it('evaluates a version, and shows intervals, curves and classes', async () => {
    // One epoch is too few to tell the shapes.
    const weak = { ...QUICK, preset: 'paper', epochs: 1, activate: true, force: true } as const;
    const { encoder } = await app.training.train(weak);
    const page = await host.visit(`/encoders/${encoder}`);
    await page.getByRole('button', { name: 'Evaluate' }).click();
    await page
      .getByRole('heading', { name: 'Average precision of each class' })
      .waitFor({ timeout: 240_000 });
    await page.getByRole('columnheader', { name: 'Interval' }).waitFor();
    await page.getByText('Pictures find texts', { exact: true }).first().click();
    await page.getByText('Precision over recall').waitFor();
    await page.getByRole('heading', { name: 'Does it still fit?' }).waitFor();
    await page.getByText('Too few queries were sampled to tell.').first().waitFor();
    await expectAccessible(page);
    // The worst class is confused with others, which its page says as well.
    const worst = page
      .getByRole('region', { name: 'Average precision of each class' })
      .getByRole('row')
      .nth(1);
    const name = (await worst.getByRole('link').textContent()) ?? '';
    const other = (await worst.getByRole('cell').last().textContent())?.split(' ')[0] ?? '';
    expect(['circle', 'square', 'triangle', 'cross', 'ring']).toContain(other);
    await page.goto('/classes');
    await page.getByRole('list').getByRole('link', { name }).click();
    await page.getByText(new RegExp(`^Most confused with ${other}`)).waitFor();
    await app.encoders.activate(first, { force: false });
  });

  it('cancels a training, resumes it, cancels it again and deletes it', async () => {
    const page = await host.visit('/encoders');
    await begin(page, 9_000);
    const id = await train(page);
    await page
      .getByText(/^epoch \d/)
      .first()
      .waitFor({ timeout: 120_000 });
    await page.getByRole('button', { name: 'Cancel the training' }).click();
    await state(page, 'cancelled').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Cancel the training' }).click();
    await state(page, 'cancelled').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete it for good' }).click();
    await page.waitForURL((url) => url.pathname === '/encoders');
    expect(await app.encoders.byId(id)).toBeNull();
  });

  it('keeps a side of a version, and says which model cannot be adopted', async () => {
    const page = await host.visit('/encoders');
    await page.getByRole('button', { name: 'Start a training' }).click();
    const begin = page.getByLabel('Begin from');
    await begin.selectOption({ label: 'A pre-trained model: take it as it is' });
    await page.getByLabel(/^Model/).fill('no-such-model');
    await page.getByRole('button', { name: 'Adopt the model' }).click();
    await page
      .getByRole('alert')
      .getByText(/allows no image extractor of this name/)
      .waitFor();
    await begin.selectOption(first);
    await page.getByText('More options').click();
    await page.getByLabel('Epochs at most').fill('2');
    await page.getByLabel('Text extractor').fill('no-such-extractor');
    await page.getByLabel('Keep the side of the pictures').check();
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await page
      .getByRole('alert')
      .getByText(/allows no text extractor of this name/)
      .waitFor();
    await page.getByLabel('Text extractor').fill('');
    await page.getByLabel(/^Activate it when/).uncheck();
    const id = await train(page);
    expect(await app.encoders.require(id)).toMatchObject({
      request: { from: first, epochs: 2, options: { freeze: 'image' } },
    });
    await state(page, 'ready').waitFor({ timeout: 240_000 });
  });

  it.each(['light', 'dark'] as const)('breaks no rule of accessibility in %s', async (colorScheme) => {
    const page = await host.visit('/encoders', { colorScheme, viewport: { width: 390, height: 800 } });
    await page.getByRole('button', { name: 'Start a training' }).click();
    await page.getByText(/^Takes about/).waitFor();
    await expectAccessible(page);
    await page.goto(`/encoders/${first}`);
    await page.getByRole('row', { name: /^This version/ }).waitFor();
    await page.getByText('Too few queries were sampled to tell.').first().waitFor();
    await expectAccessible(page);
  });

  it('lists more than a page of versions, also to compare', async () => {
    const others = Array.from({ length: 25 }, () => uuidv7());
    for (const id of others) {
      const version = {
        id,
        dimension: 2,
        imageExtractor: 'i@1',
        textExtractor: 't@1',
        config: {},
        report: {},
      };
      await app.catalog.encoders.create(version, new Uint8Array([1]));
    }
    try {
      const page = await host.visit('/encoders');
      const links = page.getByRole('main').getByRole('listitem');
      await links.nth(19).waitFor();
      expect(await links.count()).toBe(20);
      await page.getByRole('button', { name: 'Show more' }).click();
      await links.nth(25).waitFor();
      // The first version is on the second page.
      await page.goto(`/encoders/compare?a=${first}`);
      await expect.poll(() => page.getByLabel('Version A').inputValue()).toBe(first);
      const offered = page.getByLabel('Version B').getByRole('option');
      expect(await offered.count()).toBe(21);
      await page.getByRole('button', { name: 'Show more' }).click();
      await offered.nth(25).waitFor({ state: 'attached' });
    } finally {
      for (const id of others) await app.catalog.encoders.remove(id);
    }
  });
});
