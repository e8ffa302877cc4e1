import { describe, expect, it } from 'vitest';
import { controllerWrites, difference, parseWrites } from './api-writes.ts';

const line = (labels: string, value: number) => `apiserver_request_total{${labels}} ${value}`;

describe('write counts', () => {
  const before = parseWrites(line('code="201",group="tekton.dev",resource="taskruns",subresource="",verb="POST"', 2));
  const after = parseWrites(
    [
      line('code="201",group="tekton.dev",resource="taskruns",subresource="",verb="POST"', 5),
      line('code="409",group="tekton.dev",resource="taskruns",subresource="status",verb="PUT"', 1),
      line('code="200",group="",resource="pods",subresource="status",verb="PATCH"', 9),
      line('code="201",group="",resource="pods",subresource="",verb="POST"', 3),
      line('code="200",group="tekton.dev",resource="taskruns",subresource="",verb="LIST"', 40),
    ].join('\n'),
  );

  it('counts what came between two readings, reads aside', () => {
    expect(Object.fromEntries(difference(after, before))).toEqual({
      'POST tekton.dev/taskruns 201': 3,
      'PUT tekton.dev/taskruns/status 409': 1,
      'PATCH pods/status 200': 9,
      'POST pods 201': 3,
    });
  });

  it("leaves out the kubelet's", () => {
    expect([...controllerWrites(after).keys()]).not.toContain('PATCH pods/status 200');
  });
});
