import '../styles/map.css';
import { useSearch } from 'wouter';
import { useMessages } from '../messages/index.js';
import { Failure, Notice } from '../ui/notice.js';
import { ComputeMap } from './compute-map.js';
import { MapView } from './map-view.js';
import { useMapState } from './use-map.js';
import { VersionChoice } from './version-choice.js';

/** The common space in two dimensions. */
export function MapPage() {
  const t = useMessages();
  const encoderId = new URLSearchParams(useSearch()).get('encoder');
  const { data, error, isPending, refetch } = useMapState(encoderId);
  const title = <title>{`${t.nav.map} · Commonspace`}</title>;
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (isPending) return <output className="notice">{t.common.loading}</output>;
  const { spaceMap: map, facets } = data;
  if (map === null) {
    return (
      <Notice title={encoderId === null ? t.map.noEncoder : t.map.unknownEncoder}>
        {title}
        <p>{t.map.noEncoderHint}</p>
      </Notice>
    );
  }
  if (map.layout === null) {
    return (
      <Notice title={map.job ? t.map.computing : t.map.missing} role="status">
        {title}
        <p>{map.job?.message ?? t.map.missingHint}</p>
        <ComputeMap encoderId={map.encoderVersion} isComputed={map.job !== null} again={false} />
        <VersionChoice chosen={map.encoderVersion} />
      </Notice>
    );
  }
  return (
    <>
      {title}
      <MapView key={map.encoderVersion} map={map} classes={facets.classes} />
    </>
  );
}
