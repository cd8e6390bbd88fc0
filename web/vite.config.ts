import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The server of `npm run dev:page` passes everything that is not a file of the page on to this address. */
const SERVER = process.env.COMMONSPACE_SERVER ?? 'http://localhost:4000';
const ROUTES = ['/graphql', '/media', '/uploads', '/export', '/session', '/healthz', '/readyz', '/metrics'];

/** The server refuses requests of pages that are not its own, so they go out as those of its page. */
const PROXY = { target: SERVER, changeOrigin: true, headers: { origin: new URL(SERVER).origin } };

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Data URLs are not allowed by the content policy except for pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // The editor of /graphiql, which is loaded there only. scripts/build-page.mjs checks what every visitor loads.
    chunkSizeWarningLimit: 2_000,
    rolldownOptions: {
      onLog(level, log, handle) {
        // A directive for the compiler of React, which is not used.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  server: { proxy: Object.fromEntries(ROUTES.map((route) => [route, PROXY])) },
});
