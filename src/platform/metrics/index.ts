export * from './metrics.js';
export { counterFamily, histogramFamily, type CounterSeries, type Family, type HistogramSeries } from './series.js';
