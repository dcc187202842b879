#pragma once
#include "src/populations/cloud_population.hpp"
#include "src/populations/population_builder.hpp"

namespace otfleet {

/// The measures of a split where data.test and its like are images of colors: a PNG or JPEG file,
/// or a folder, whose images are taken in the order of their names. Each becomes a measure of
/// make.pixels points of equal weights in the unit cube, the red, green and blue of pixels that are
/// drawn without repetition; an image of no more pixels is taken as a whole, row by row. The
/// measures are named as the files are. Draws depend on job.seed, split, side, and the image's
/// number and size. To train on, make.crops rectangles of every image are measures, too, of random
/// place and sides between a quarter and all of the image's, named FILE#1 and so on; they follow
/// the images. With make.thumbnails the table has a
/// thumbnail of every image and crop. Throws UserError that names the file. Local. Memory: 32 bytes
/// a point, twice as much while the table grows, and one image.
CloudPopulation build_pixel_clouds(const Job& job, Split split);

}  // namespace otfleet
