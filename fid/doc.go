// Package fid measures how far the pictures of two sets are from each other, by the features
// that Inception-v3 has of them: the Fréchet distance of Gaussians with their means and
// covariances (Heusel et al., arXiv 1706.08500), and the unbiased estimate of the squared
// maximum mean discrepancy with a cubic kernel (Bińkowski et al., arXiv 1801.01401); and how
// distinct and various the classes of one set are, as Inception Score (Salimans et al., arXiv
// 1606.03498).
//
// Numbers compare only where the network, its weights and the Mode of resizing are the same:
// Statistics keep these (Made) in their files, and Frechet refuses those that differ.
package fid
