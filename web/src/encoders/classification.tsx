import type { ClassifiedFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { Scroll } from '../ui/scroll.js';
import { useFormats } from './formats.js';

/** How often a held-out item gets its right class; nothing if no item was asked about. */
export function Classification({ figures }: { readonly figures: readonly ClassifiedFragment[] }) {
  const t = useMessages();
  const format = useFormats();
  if (figures.length === 0) return null;
  return (
    <>
      <h3>{t.encoders.classification}</h3>
      <p className="faint">{t.encoders.classificationHint}</p>
      <Scroll label={t.encoders.classification}>
        <table className="figure-table">
          <thead>
            <tr>
              <th>{t.encoders.heldOutItems}</th>
              <th>{t.encoders.count}</th>
              <th>{t.encoders.top1}</th>
              <th>{t.encoders.top5}</th>
              <th>{t.encoders.top1Own}</th>
              <th>{t.encoders.methods.CHANCE}</th>
            </tr>
          </thead>
          <tbody>
            {figures.map(({ modality, seen, items, amongAll, amongOwn }) => (
              <tr key={`${modality} ${seen}`}>
                <th>
                  {t.encoders.itemsOf(modality === 'IMAGE' ? t.search.onlyImages : t.search.onlyTexts, seen)}
                </th>
                <td>{format.number(items)}</td>
                <td>{format.percent(amongAll.top1)}</td>
                <td>{format.percent(amongAll.top5)}</td>
                <td>{format.percent(amongOwn.top1)}</td>
                <td className="faint">{format.percent(amongAll.chance1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}
