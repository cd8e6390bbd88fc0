import { Component, type ReactNode, Suspense } from 'react';
import { useMessages } from '../messages/index.js';
import { Failure } from './notice.js';

/** A part of the page that is loaded when it is opened. If its files are gone, as after an update, the page says so and can load them anew. */
export function LazyPart({ children }: { readonly children: ReactNode }) {
  const t = useMessages();
  return (
    <LoadFailure>
      <Suspense fallback={<output className="notice">{t.common.loading}</output>}>{children}</Suspense>
    </LoadFailure>
  );
}

class LoadFailure extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <Failure error={error} onRetry={() => window.location.reload()} />;
  }
}
