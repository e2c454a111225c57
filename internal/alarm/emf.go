package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Samples are the values that CloudWatch takes from a log line in the embedded metric
// format: one for each metric and set of dimensions. A line without metrics has none.
func Samples(line []byte) ([]Sample, error) {
	var header struct {
		AWS *struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	var fields map[string]any
	if err := errors.Join(json.Unmarshal(line, &header), json.Unmarshal(line, &fields)); err != nil {
		return nil, fmt.Errorf("not a line of JSON: %w", err)
	}
	if header.AWS == nil {
		return nil, nil
	}
	var samples []Sample
	for _, directive := range header.AWS.CloudWatchMetrics {
		for _, names := range directive.Dimensions {
			dimensions := map[string]string{}
			for _, name := range names {
				value, ok := fields[name].(string)
				if !ok {
					return nil, fmt.Errorf("no dimension %q", name)
				}
				dimensions[name] = value
			}
			for _, m := range directive.Metrics {
				value, ok := fields[m.Name].(float64)
				if !ok {
					return nil, fmt.Errorf("no metric %q", m.Name)
				}
				samples = append(samples, Sample{
					At: time.UnixMilli(header.AWS.Timestamp), Namespace: directive.Namespace, Metric: m.Name,
					Dimensions: dimensions, Value: value,
				})
			}
		}
	}
	return samples, nil
}
