// Package jpeg decodes JPEG files (ITU-T T.81) to RGB, at full size or at a half, a
// quarter or an eighth of it: sequential and progressive, Huffman and arithmetic coding with
// 8 bits a sample, in grey, YCbCr, RGB, CMYK and YCCK, and every sub-sampling.
//
// The numbers are those of libjpeg-turbo as Pillow sets it up: the accurate integer
// transform ("islow"), interpolated chroma ("fancy upsampling"), and the same colours
// and reduced transforms, bit by bit.
//
// Unlike there, a picture of which a part is missing or damaged is an error. What
// follows the last coefficient does not matter.
package jpeg
