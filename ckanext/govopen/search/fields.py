"""Names of Solr fields: which of them people may use, and for what.

The same list stands in ``solr/conf/solrconfig.xml`` as the parameter ``uf``; a test compares them.
"""

from __future__ import annotations

import re

from ckanext.govopen.domain import internal


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Fields with the words of datasets that have no live release; never named by a caller.
STAFF_TITLE, STAFF_TEXT = "staff_title", "staff_text"

#: What a hidden dataset's document may hold besides the staff fields and the stored dicts.
HIDDEN_FORM = _names(
    "index_id id site_id entity_type dataset_type capacity state owner_org organization "
    "metadata_created metadata_modified data_date permission_labels govopen_form "
    "govopen_fingerprint data_dict validated_data_dict staff_title staff_text"
)

#: Of the departments among themselves: in no document at all.
INTERNAL = frozenset({*internal.DATASET, *internal.RESOURCE})

_PLAIN = _names(
    "id name title notes tags groups organization owner_org license license_id url version "
    "author maintainer state capacity dataset_type entity_type type creator_user_id private "
    "isopen res_name res_description res_format res_url res_type metadata_created "
    "metadata_modified indexed_ts open_class theme update_cycle resource_code provider_unit "
    "issued data_updated data_date acquired_by delivery harvest_source_id"
)

#: Fields that may be asked for in ``q`` and ``fq``.
QUERY_FIELDS = _PLAIN | _names(
    "text tags_text items_text provider_text codes_text title_string name_ngram title_ngram "
    "views_total views_recent"
)

#: Fields that may be returned.
RETURN_FIELDS = _PLAIN | _names(
    "site_id index_id data_dict validated_data_dict download_url ckan_url"
)

#: Fields that may be sorted by: single values, or the score.
SORT_FIELDS = _names(
    "score id name title_string organization owner_org license_id state capacity dataset_type "
    "metadata_created metadata_modified indexed_ts open_class update_cycle resource_code "
    "issued data_updated data_date views_total views_recent"
)

#: Fields whose values may be counted.
FACET_FIELDS = _names(
    "organization owner_org groups tags res_format res_type license_id open_class theme "
    "update_cycle provider_unit acquired_by delivery dataset_type state capacity isopen author "
    "maintainer creator_user_id harvest_source_id frequency source_type"
)

#: CKAN's families of fields; harmless, since a hidden dataset's document has none of them.
FAMILIES = re.compile(r"(?:extras|res_extras|vocab)_[A-Za-z0-9_-]+\Z")

#: Never, whatever a site's own schema or settings add.
_FORBIDDEN = re.compile(r"staff_|share_|extras_share_|permission_labels\Z|govopen_|_|source_url\Z")


def allowed(name: str, among: frozenset[str]) -> bool:
    """May this field be named, given the list for the use in question?"""
    if _FORBIDDEN.match(name):
        return False
    return name in among or FAMILIES.match(name) is not None


#: What free text is looked for in, and what a hit there is worth. Titles outweigh everything that
#: the other fields can add up to, so that title hits come first.
PUBLIC_WEIGHTS = "title^40 name^10 tags_text^6 provider_text^5 items_text^3 codes_text^4 text"
STAFF_WEIGHTS = f"{PUBLIC_WEIGHTS} {STAFF_TITLE}^150 {STAFF_TEXT}^3"
#: How many of the pairs of characters and words of a query must occur: all of two, all but one of
#: three or four, three fifths of more. Pairs across word borders are among them, so less than all.
MINIMUM = "2<-1 4<60%"
#: Share of the lesser fields in the score: small, so that the best field decides.
TIE = "0.05"

RELEVANCE = "score desc, metadata_modified desc"
NEWEST = "data_date desc, metadata_modified desc"
