#pragma once

namespace otfleet {

/// Gives the descriptors 0, 1 and 2 back to a program that was started without some of them: the
/// next file to be opened would get such a number, and what is printed would be written into it.
/// Printing then fails. Local; before any file is opened.
void reserve_standard_streams();

/// Writes out what was printed to stdout. Throws UserError when any of it could not be written: who
/// reads it must not take a part for the whole. Local.
void finish_standard_output();

}  // namespace otfleet
