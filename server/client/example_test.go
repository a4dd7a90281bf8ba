package client_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/seed-fb2c0fa6/inception/server/client"
)

func ExampleClient_Classify() {
	c, err := client.New("localhost:8001", client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	photo, err := os.ReadFile("photo.jpg")
	if err != nil {
		log.Fatal(err)
	}
	pictures, err := c.Classify(context.Background(), "v4", 5, photo)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range pictures[0].Predictions {
		fmt.Printf("%.2f%% %s\n", 100*p.Probability, p.Label)
	}
}
