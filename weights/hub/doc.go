// Package hub finds the weights of public checkpoints in the Hugging Face cache
// folder and downloads those that are missing.
//
// The cache folder is shared with Python's huggingface_hub and with
// go-huggingface:
//
//	<cache>/models--timm--inception_v4.tf_in1k/
//	    refs/main                             the commit that main pointed at
//	    snapshots/<commit>/model.safetensors  link to the blob, or a file placed by hand
//	    blobs/<SHA-256>                       the bytes
//	    incomplete/                           a download in progress
package hub
