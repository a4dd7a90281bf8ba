// Package measure measures networks with random weights and images: how many images a
// second they classify or train on, the memory that takes, and which operations the time
// goes to.
//
//	network, err := measure.New(backend, inceptionV4, 299)
//	speed, err := network.Speed(ctx, measure.Options{Batch: 8, Runs: 9})
//	fmt.Println(speed.ImagesPerSecond)
package measure
