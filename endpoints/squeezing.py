"""Pages go out compressed, so that the longest tables load within their weight.

Answers to posts do not: some show a secret beside what was sent. What a page that was asked for holds of secrets, its
form token, is signed anew each second, and no foreign site can ask for it with the session's cookie.
"""

import gzip

from flask import Response, request

LEAST_BYTES = 1_400


def squeeze(response: Response) -> Response:
    """For `after_request`: compresses a whole HTML page where the browser takes that."""
    if request.method != "GET" or response.mimetype != "text/html" or response.is_streamed:
        return response
    response.vary.add("Accept-Encoding")
    content = response.get_data()
    if len(content) >= LEAST_BYTES and request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzip.compress(content, compresslevel=5, mtime=0))
        response.content_encoding = "gzip"
    return response
