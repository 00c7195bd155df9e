"""Problems of files that cannot be opened, read or rendered, in words for people."""

EMPTY = "is empty"
CUT_OFF = "is cut off"
DAMAGED = "is damaged"
FORBIDDEN = "may not be read by this server"
NO_PICTURE = "is not a picture"
TOO_MUCH = "takes too much memory or time"
NO_DECODER = "needs a decoder that this server does not have"
