import type { EChartsType } from 'echarts/core';
import { useEffect, useRef } from 'react';
import type { ChartTheme } from './chartTheme';
import { type ChartOption, init } from './echarts';

interface CanvasProps {
  option: ChartOption;
  theme: ChartTheme;
  height: number;
}

/** Draws `option` and follows the size of its box. */
export default function Canvas({ option, theme, height }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);

  useEffect(() => {
    if (box.current === null) return;
    const drawn = init(box.current, undefined, { renderer: 'canvas' });
    chart.current = drawn;
    const watch = new ResizeObserver(() => drawn.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      drawn.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption({ ...common(theme), ...option }, { notMerge: true });
  }, [option, theme]);

  return <div ref={box} style={{ height, width: '100%' }} />;
}

const FONT = "'Inter', ui-sans-serif, system-ui, sans-serif";

function common(theme: ChartTheme): ChartOption {
  return {
    animation: false,
    backgroundColor: 'transparent',
    color: [...theme.series],
    textStyle: { fontFamily: FONT, color: theme.muted, fontSize: 12 },
  };
}
