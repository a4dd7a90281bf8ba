// Package classify classifies photographs in a pipeline of Apache Beam: a runner, which may be
// Dataflow, Flink or Spark, or prism in this process, divides the list of photographs among
// its workers. Paths travel through the pipeline, not pixels: each worker reads the photographs
// that it is given, from its own file system or from object storage (gs://, s3://), and loads
// the network once.
//
//	photographs := classify.List(s, "gs://bucket/photos/**.jpg")
//	lines := classify.Photographs(s, options, photographs)
//	classify.Write(s, "gs://bucket/predictions.jsonl", 1, lines)
//
// The program that makes the pipeline also runs in the workers: it calls Apache Beam's Init
// before it makes one.
package classify
