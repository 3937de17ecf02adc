// Draws a dashboard with Grafana's panel components and data of a Prometheus.
// draw.mjs bundles it and runs it in a browser.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { FieldType, createTheme, dateTime, getDisplayProcessor, getFieldDisplayValues, getMinMaxAndDelta, renderLegendFormat, ThemeContext, validateFieldConfig } from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, TimeSeries } from '@grafana/ui';

const { dashboard, prometheus, from, to, width, mode } = window.preview;
const theme = createTheme({ colors: { mode } });
const timeZone = 'utc';
const gap = 8;
const cell = (width - gap) / 24;
const row = 38; // Grafana's, like gap

// Grafana's defaults: of every panel, of panels of the type timeseries, and the
// scrape interval of Prometheus.
const panelDefaults = {
  color: { mode: 'thresholds' },
  thresholds: { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] },
};
const seriesDefaults = {
...panelDefaults, color: { mode: 'palette-classic' },
  custom: {
    drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', spanNulls: false, showPoints: 'auto', pointSize: 5,
    stacking: { mode: 'none', group: 'A' }, axisPlacement: 'auto', axisLabel: '', scaleDistribution: { type: 'linear' }, axisColorMode: 'text', axisBorderShow: false,
    axisCenteredZero: false, hideFrom: { tooltip: false, viz: false, legend: false }, thresholdsStyle: { mode: 'off' },
  },
};
const scrape = 15;

// frames queries the data of a panel, as Grafana's data source does.
async function frames(panel, pixels) {
  const step = Math.max(scrape, Math.ceil((to - from) / pixels));
  const isSeries = panel.type === 'timeseries';
  const base = isSeries ? seriesDefaults : panelDefaults;
  const given = panel.fieldConfig.defaults;
  const configOf = name => {
    const config = { ...base, ...given, custom: { ...base.custom, ...given.custom } };
    for (const { matcher, properties } of panel.fieldConfig.overrides) {
      if (matcher.id !== 'byName') throw new Error(`${panel.title}: the preview does not support the matcher ${matcher.id}`);
      if (matcher.options !== name) continue;
      for (const { id, value } of properties) id.startsWith('custom.') ? (config.custom[id.slice(7)] = value) : (config[id] = value);
    }
    validateFieldConfig(config);
    return config;
  };
  const all = [];
  for (const target of panel.targets) {
    const query = target.expr.replaceAll('$__rate_interval', `${Math.max(step + scrape, 4 * scrape)}s`).replaceAll(/\$(namespace|job|instance)\b/g, '.*');
    const answer = await fetch(`${prometheus}/api/v1/query_range?${new URLSearchParams({ query, start: Math.ceil(from / step) * step, end: to, step })}`);
    const { data, error } = await answer.json();
    if (error) throw new Error(error);
    for (const { metric, values } of data.result) {
      const time = { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: values.map(v => v[0] * 1000) };
      const name = renderLegendFormat(target.legendFormat, metric);
      const value = {
        name: 'Value', type: FieldType.number, labels: metric, values: values.map(v => Number(v[1])),
        config: { ...configOf(name), displayNameFromDS: name },
        state: { seriesIndex: all.length, origin: { frameIndex: all.length, fieldIndex: 1 } },
      };
      value.state.range = getMinMaxAndDelta(value);
      for (const field of [time, value]) field.display = getDisplayProcessor({ field, theme, timeZone });
      all.push({ refId: target.refId, fields: [time, value], length: values.length });
    }
  }
  return all;
}

const timeRange = { from: dateTime(from * 1000), to: dateTime(to * 1000), raw: { from: 'now-1h', to: 'now' } };

function Viz({ panel, data, width, height }) {
  if (data.length === 0) return <div style={{ height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary }}>No data</div>;
  const { options } = panel;
  if (panel.type === 'stat') {
    const [value] = getFieldDisplayValues({
      fieldConfig: panel.fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: v => v, theme, data, timeZone, sparkline: options.graphMode !== 'none',
    });
    return <BigValue {...{ theme, width, height, colorMode: options.colorMode, graphMode: options.graphMode, textMode: 'value', value: value.display, sparkline: value.sparkline, count: 1 }} />;
  }
  if (panel.type === 'timeseries') {
    const legend = { showLegend: true, calcs: [], ...options.legend };
    return <TimeSeries {...{ frames: data, timeRange, timeZone, width, height, legend, options, structureRev: 1 }} />;
  }
  throw new Error(`${panel.title}: the preview does not support ${panel.type}`);
}

function Dashboard({ panels }) {
  return panels.map(({ panel, data }) => {
    const { x, y, w, h } = panel.gridPos;
    const box = { width: w * cell - gap, height: h * row - gap };
    return (
      <div key={panel.id} style={{ position: 'absolute', left: x * cell + gap, top: y * row + gap, ...box }}>
        <PanelChrome title={panel.title} description={panel.description || undefined} {...box}>
          {(width, height) => <Viz {...{ panel, data, width, height }} />}
        </PanelChrome>
      </div>
    );
  });
}

const panels = await Promise.all(dashboard.panels.map(async panel => ({ panel, data: await frames(panel, panel.gridPos.w * cell) })));
const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * row + gap;
const root = document.getElementById('root');
root.style.height = `${bottom}px`;
createRoot(root).render(<ThemeContext.Provider value={theme}><GlobalStyles /><Dashboard panels={panels} /></ThemeContext.Provider>);
window.empty = panels.filter(({ data }) => data.length === 0).map(({ panel }) => panel.title);
