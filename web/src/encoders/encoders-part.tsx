import '../styles/encoders.css';
import { Route, Switch } from 'wouter';
import { ComparePage } from './compare-page.js';
import { EncoderPage } from './encoder-page.js';
import { EncodersPage } from './encoders-page.js';

/** The part of the page about versions of the encoder. It is loaded when it is opened. */
export function EncodersPart() {
  return (
    <Switch>
      <Route path="/encoders">
        <EncodersPage />
      </Route>
      <Route path="/encoders/compare">
        <ComparePage />
      </Route>
      <Route path="/encoders/:id">{({ id }) => <EncoderPage key={id} id={id} />}</Route>
    </Switch>
  );
}
